"""The verbs of allocation, a file each."""
