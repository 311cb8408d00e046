"""One module for each question, with a function ``answer(study)`` that gives the `Answer`."""

QUESTIONS = (
    "learning_rate",
    "noise",
    "cells",
    "plain_networks",
    "classes",
    "state",
    "memory",
    "catalogue",
)
"""The names of these modules."""
