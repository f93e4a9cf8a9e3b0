"""Elements that differ only in addresses affine in their place become one indexed definition: signature → lattice → roller."""
