"""Tests of the recipe's learning side. They need the packages of requirements.txt and a C compiler:
`python -m unittest discover -t .. -s .` in this folder."""
