"""How the tests name what the demo programme and the stage hold."""

from tests.portal import talks

# Short names for what the story tells of, by words of their titles.
PROPOSALS = {
    "weather": "weather",
    "poetry": "poems",
    "enzymes": "enzymes",
    "imaging": "lung nodules",
    "language": "Speech",
    "fusion": "fusion",
    "soil": "Soil",
    "ice": "Ice sheets",
    "tides": talks.REPLYING,
    "dunes": talks.TALKING,
    "rivers": "Sounds of rivers",
    "lagoons": "Lagoons",
    "glaciers": "Glaciers",
}
CALLS = {
    "panel": "at the panel",
    "draft": "Courses",
    "open": "second round",
    "past": "first round",
    "starter": "Starter",
    "late": "Too late",
}
