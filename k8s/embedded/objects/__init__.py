"""What an object is: kinds, fields, defaults, checks, selectors, patches and ownership of fields."""
