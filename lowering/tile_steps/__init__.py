"""Tile programs: what a layer loads, computes and stores, in which order, and rolled into loops."""
