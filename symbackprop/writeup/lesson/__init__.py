"""The lesson, a page that computes: `quantities` (live numbers) → `steps` → `mistakes` (what gives a wrong answer) → `drawing`
(the diagram with live numbers) → `page`.
"""
