"""Durable workflows: they ask, wait, remind and retry. They hold no rule and touch nothing outside the engine."""
