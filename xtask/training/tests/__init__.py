"""Tests of the recipe's data side, without any package: `python3 -m unittest discover -t .. -s .` in this folder."""
