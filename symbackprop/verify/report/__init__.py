"""What is said: `render` (text), `set_formulas` (sentences as markup), `report_page` (HTML) → `report`."""
