"""Words that open a question and say little about its matter.

Most queries of the pairs are headings, so that a model learns too little of questions, and `why` draws every text with
`why` in it. In training, openings are therefore put at random before texts of both sides: what stands before anything
comes to weigh nothing.
"""

import numpy as np

from bags import Bags, WordTokenizer

OPENINGS = {
    "en": [
        "how", "how do I", "how can I", "how to", "how does", "how did we", "how many", "how much", "how long", "what",
        "what is", "what are", "what does", "what did", "what should I do if", "when", "when did", "when is", "where",
        "where is", "where can I", "where do I find", "which", "which one is", "who", "who is", "who was", "why",
        "why is", "why does", "why did we", "why can't I", "can I", "can a", "could you", "do I have to", "does it",
        "is it possible to", "is there a", "should I", "may I", "whose", "tell me", "please show me", "I want to",
    ],
    "fr": [
        "comment", "comment faire pour", "comment puis-je", "combien", "combien de temps", "combien de",
        "dans quel cas", "est-ce que", "est-ce qu'on peut", "est-il possible de", "faut-il", "où", "où est", "où sont",
        "où trouver", "peut-on", "puis-je", "un peut-il", "doit-on", "a-t-on", "avons-nous", "y a-t-il", "pourquoi",
        "pourquoi est-ce que", "pourquoi avons-nous", "pourquoi ne peut-on pas", "quand", "quand est-ce que", "que",
        "que faire si", "que se passe-t-il si", "quel", "quel est", "quelle", "quelle est", "quels sont", "quelles sont",
        "qu'est-ce que", "qu'est-ce que c'est", "qui", "qui est", "à quoi sert", "je veux", "je voudrais",
    ],
}  # fmt: skip


class Openings:
    """Puts openings before a share of texts."""

    def __init__(self, tokenizer: WordTokenizer, share: float, random: np.random.Generator) -> None:
        # The first stands for none.
        self.bags = {language: tokenizer.bags(["", *openings]) for language, openings in OPENINGS.items()}
        self.share, self.random = share, random

    def before(self, texts: Bags, languages: np.ndarray) -> Bags:
        result = texts
        for language, openings in self.bags.items():
            drawn = self.random.integers(1, len(openings), len(texts))
            opened = (self.random.random(len(texts)) < self.share) & (languages == language)
            result = result.followed_by(openings.take(np.where(opened, drawn, 0)))
        return result
