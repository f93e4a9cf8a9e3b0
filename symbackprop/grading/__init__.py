"""Many submissions: `submissions` (`notebook_code`) → `task` (each in processes of its own) → `workers`, `course` (what is done
is kept) → `graded` → `marks`, `duplicates` → `gradebook`, `feedback`, `overview`; `grade` is the road through them.

A page is made from what was kept, so other points, hints or credit cost no new check.
"""
