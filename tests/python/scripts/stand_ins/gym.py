"""A stand-in for gym of the old API: CartPole-v0, by its equations (Barto, Sutton, Anderson 1983).
reset() gives the observation, step() four values."""

import math

import numpy as np


class _Box:
    def __init__(self, low, high):
        self.low, self.high, self.shape = np.array(low), np.array(high), np.shape(low)

    def sample(self):
        return np.random.uniform(self.low, self.high)


class _Discrete:
    def __init__(self, n):
        self.n, self.shape = n, ()

    def sample(self):
        return np.random.randint(self.n)


class _CartPole:
    _limit_x, _limit_angle = 2.4, math.radians(12)

    def __init__(self):
        top = np.array([2 * self._limit_x, np.finfo(np.float32).max, 2 * self._limit_angle,
                        np.finfo(np.float32).max], np.float32)
        self.observation_space, self.action_space = _Box(-top, top), _Discrete(2)
        self.x_threshold, self.theta_threshold_radians = self._limit_x, self._limit_angle
        self._random = np.random.RandomState()
        self.unwrapped = self

    def seed(self, seed=None):
        self._random = np.random.RandomState(seed)

    def reset(self):
        self._state, self._steps = self._random.uniform(-0.05, 0.05, 4), 0
        return self._state.copy()

    def step(self, action):
        x, speed, angle, turning = self._state
        force = 10.0 if action == 1 else -10.0
        cos, sin = math.cos(angle), math.sin(angle)
        push = (force + 0.05 * turning**2 * sin) / 1.1
        turn = (9.8 * sin - cos * push) / (0.5 * (4 / 3 - 0.1 * cos**2 / 1.1))
        slide = push - 0.05 * turn * cos / 1.1
        self._state = np.array([x + 0.02 * speed, speed + 0.02 * slide, angle + 0.02 * turning,
                                turning + 0.02 * turn])
        self._steps += 1
        fell = abs(self._state[0]) > self._limit_x or abs(self._state[2]) > self._limit_angle
        return self._state.copy(), 1.0, fell or self._steps >= 200, {}

    def render(self, *_, **__):
        pass

    def close(self):
        pass


def make(name):
    if not name.startswith("CartPole"):
        raise ValueError(f"the stand-in for gym has CartPole alone, not {name}")
    return _CartPole()


class _Wrappers:
    Monitor = staticmethod(lambda env, *_, **__: env)


wrappers = _Wrappers()
