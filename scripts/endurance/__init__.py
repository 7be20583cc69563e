"""Tests of endurance: hostile input, interruptions and long runs."""
