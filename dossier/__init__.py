"""The evidence dossier in its forms: JSON, which is what is issued, and HTML and PDF, which are made from it."""
