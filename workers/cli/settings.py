"""The settings as a command reads them: a fault in them is bad input."""

from workers.cli.faults import BadInput
from workers.settings import Settings, SettingsFault


def settings_of() -> Settings:
    """The settings of the environment. Raises BadInput naming the variable."""
    try:
        return Settings.load()
    except SettingsFault as error:
        raise BadInput(str(error)) from error
