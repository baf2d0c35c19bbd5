"""Log-in through the federation: a certified provider, a hostile one, and the portal between them."""
