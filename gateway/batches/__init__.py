"""Needs in bulk: tables as CSV or xlsx, checked row by row, then committed; for banks whose systems nobody changes."""
