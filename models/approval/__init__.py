"""Flows, requests, tasks, events, files of decisions."""
