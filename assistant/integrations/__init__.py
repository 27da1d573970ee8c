"""Integrations: this project as a part of others'. Each imports its host library, so import them only where it is used."""
