"""What people do with points and stamps. Every verb locks the card, looks up its key, then posts.

Specification of loyalty; the ledger itself is append-only.
"""
