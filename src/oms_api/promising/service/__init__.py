"""The verbs of promising. They read and decide; units are held by inventory."""
