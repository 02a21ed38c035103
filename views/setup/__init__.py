"""How the application is set up: configuration, environment, proxies, health."""
