"""What is said: `render` (text), `report_page` (HTML) → `report`."""
