"""What stands beside the cases, each thing in a stream of its own: who and what there is to work with.

Companies, dossiers, institutions, researchers, technology seeds, exchange events, recommendations of the Council
(`domain.md` section 6b). Importing this package registers its rules with `domain.law`.
"""

from domain.catalogue import companies, dossiers, exchange, institutions, recommendations, researchers, seeds

__all__ = ["companies", "dossiers", "exchange", "institutions", "recommendations", "researchers", "seeds"]
