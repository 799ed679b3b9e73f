"""Case scripts: a case played through the public interface, as training, demonstration and test (`contract.md` 4)."""
