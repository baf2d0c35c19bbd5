"""The numeric core: index form, flows and their solvers, floor, lift, role mix and lots."""
