"""The portal as an OpenID provider, asked by a certified client that never saw its code."""
