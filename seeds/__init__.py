"""The catalogue of university technology seeds (シーズ), researchers and institutions; not database seeding."""
