"""Builds of what gets deployed: Lambda layer and code, training source, container twin, cloud assembly.

Standard library only, no AWS, no Docker; everything lands under `build/`, named by what it was made from.
"""
