"""透视分析: measures of the registry by two dimensions, as a table and a chart."""
