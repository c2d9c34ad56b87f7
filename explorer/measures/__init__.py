"""How two vectors are scored, a measure a file.

`measure` says what every measure answers, `asked` finds the one that somebody named. The names are
those of `explorer.questions.choices`, so that help and completion need no numbers.
"""

from __future__ import annotations

from explorer.questions.choices import MEASURES, MeasureName

__all__ = ["MEASURES", "MeasureName"]
