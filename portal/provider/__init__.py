"""The portal as an OpenID provider for resource providers and Kubernetes clusters."""
