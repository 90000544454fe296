"""Recipes for public data: what to fetch, from where, and what is made of it."""
