"""Screens of approval: queue, requests, copies, flows, overview."""
