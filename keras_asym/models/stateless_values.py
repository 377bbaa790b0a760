import keras


class StatelessValues:
    """Values of variables outside of the variables, as JAX' pure functions need them.

    Args:
        *groups: Pairs of a list of variables and the list of their values.
    """

    def __init__(self, *groups):
        self._variables, self._values = {}, {}
        for variables, values in groups:
            self.set(variables, values)

    def set(self, variables, values):
        for variable, value in zip(variables, values, strict=True):
            self._variables[id(variable)] = variable
            self._values[id(variable)] = value

    def of(self, variables):
        return [self._values[id(variable)] for variable in variables]

    def replace(self, variables, values):
        """A copy with other values for some variables."""
        copy = StatelessValues((self._variables.values(), self._values.values()))
        copy.set(variables, values)
        return copy

    def scope(self):
        """Inside, variables have these values and may be assigned to."""
        pairs = [(self._variables[key], value) for key, value in self._values.items()]
        return keras.StatelessScope(state_mapping=pairs)

    def update(self, scope):
        """Takes over what was assigned inside a scope."""
        for key, variable in self._variables.items():
            value = scope.get_current_value(variable)
            if value is not None:
                self._values[key] = value
