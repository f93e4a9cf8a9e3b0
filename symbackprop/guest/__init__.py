"""Somebody's code is a guest: `audit` (what it may not do while it is being tried), `visit` (one call of it, quiet and
reproducible), `process` (a child process with limits that answers in messages), `supervised` (a
whole command in a child), `rewriting` (what is no longer understood) and `stand_ins` (what is not installed) → `imports`.
"""
