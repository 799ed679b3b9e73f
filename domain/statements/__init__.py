"""What an evidence dossier 技術評価補完資料 says: statements made from the events of a case, each citing them.

Pure: a `Brief` goes in, sections of statements in both languages come out, the same in any year (`domain.md` 3b).
"""
