"""What people look at: reports, charts, explanations, pages."""
