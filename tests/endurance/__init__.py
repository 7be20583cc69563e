"""Trials of endurance: kills, faulty disks, damaged files, hostile images, many pairs."""
