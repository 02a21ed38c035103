"""Pages of 客户画像."""
