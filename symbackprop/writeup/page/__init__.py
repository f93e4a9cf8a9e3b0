"""What a page is made of: `options`, `blocks` → `lesson_phrases` → `phrases` → `rows`, `listing`."""
