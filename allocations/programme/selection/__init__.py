"""From a calibrated list to awards: lots among equals, and the split of scarce pools."""
