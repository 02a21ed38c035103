"""What the screens of entities stand on: CrmView and pages of our own."""
