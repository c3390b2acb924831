"""The projects page: prompts, guidelines, audience and progress."""
