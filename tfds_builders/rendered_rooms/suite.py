"""Six aligned sensors in five conditions, one of which may have failed."""

import numpy as np

from tfds_builders.rendered_rooms import domains, sensors
from tfds_builders.rendered_rooms.class_names import CLASS_NAMES
from tfds_builders.rendered_rooms.conditions import CONDITIONS, sample_air
from tfds_builders.rendered_rooms.render import check_frame, look
from tfds_builders.rendered_rooms.scene import sample_scene
from tfds_builders.rendered_rooms.shading import patches

SENSORS = ("rgb", "depth", "thermal", "event", "normal", "infrared")
FAILURES = ("none", *SENSORS)
DEAD = {**dict.fromkeys(SENSORS, 0), "normal": 128}
"""What a sensor that has failed sends in all pixels and channels."""
FAILURE_RATE = 0.25

# Mean temperature of the surfaces of a class in degrees Celsius: what is warm has been used, shines
# or is near the outside.
_CELSIUS = {
    "wall": 20.0,
    "floor": 18.6,
    "ceiling": 21.2,
    "door": 19.2,
    "window": 12.0,
    "picture": 20.3,
    "rug": 19.8,
    "cabinet": 20.6,
    "table": 20.9,
    "sofa": 23.5,
    "box": 19.5,
    "ottoman": 22.3,
    "lamp": 34.0,
}
_AIR_CELSIUS = 20.0
# How much of what visible light loses other bands lose: long waves pass by small drops, not grains.
_INFRARED_LOSS = {"fog": 0.6, "dust": 0.7}
_THERMAL_LOSS = {"fog": 0.3, "dust": 0.5}
_CONTRAST = 0.07
"""Change of the logarithm of the light that makes one event."""


def render_sensors(seed, width=160, height=120, condition=None, failure=None):
    """Renders one frame of all sensors.

    Args:
        seed: Non-negative integer. It is the room of `render(seed)`.
        width, height: Size in pixels.
        condition: One of `CONDITIONS`; by default they follow one another with the seed.
        failure: `"none"` or the sensor that has failed; drawn by default: none in three quarters
            of all frames.

    Returns:
        Dictionary of

        - `rgb`: uint8, 3 channels. Its noise hides all in the dark, the air and glare veil it.
        - `depth`: uint16 millimetres, 0 = hole: a structured light sensor. Fog and dust swallow its
          light or send it back early, glare outshines it, darkness does not matter.
        - `thermal`: uint16, hundredths of a kelvin: by class, with an offset of each surface. Sees
          no light, and through fog farther than `rgb`.
        - `event`: uint8, 128 + events of a small motion: steps of the logarithm of the light, so
          that some are left in the dark, among many of the noise.
        - `normal`: uint8, as in `render`, with noise that grows with the distance; (128, 128, 128)
          = none.
        - `infrared`: uint8, in the light of a lamp of its own, which falls with the distance and
          which fog throws back.
        - `label`: uint8; `condition`, `failure`: texts.
        - `present`: bool `(6,)`, which of `SENSORS` are not failed. One that is holds `DEAD`.

    Raises:
        ValueError: If the seed is negative, the size too small, or a name unknown.
    """
    check_frame(seed, width, height)
    for name, value, known in (
        ("condition", condition, CONDITIONS),
        ("failure", failure, FAILURES),
    ):
        if value is not None and value not in known:
            raise ValueError(f"`{name}` must be one of {known}. Received: {name}={value!r}")
    scene_seed = np.random.SeedSequence(int(seed)).spawn(1)[0]
    # Children that `render` does not have.
    *own, air_seed, failure_seed = np.random.SeedSequence([int(seed), len(SENSORS)]).spawn(8)
    rngs = {name: np.random.default_rng(s) for name, s in zip(SENSORS, own, strict=True)}
    view = look(sample_scene(scene_seed), width, height)
    condition = condition or CONDITIONS[seed % len(CONDITIONS)]
    air = sample_air(np.random.default_rng(air_seed), condition, height, width)
    light = _visible(view, air)
    images = {
        "rgb": sensors.rgb_camera(rngs["rgb"], light, dark=0.0),
        "depth": _depth(rngs["depth"], view, air),
        "thermal": _thermal(rngs["thermal"], view, air),
        "event": _event(rngs["event"], light),
        "normal": _normal(rngs["normal"], view, air),
        "infrared": _infrared(rngs["infrared"], view, air),
    }
    draws = np.random.default_rng(failure_seed)
    drawn = SENSORS[draws.integers(len(SENSORS))] if draws.random() < FAILURE_RATE else "none"
    failure = failure or drawn
    if failure != "none":
        images[failure] = np.full_like(images[failure], DEAD[failure])
    return {
        **images,
        "label": view.label[..., None],
        "condition": condition,
        "failure": failure,
        "present": np.array([name != failure for name in SENSORS]),
    }


def _visible(view, air):
    """Light that reaches a camera, linear `(height, width, 3)`."""
    light = view.image(view.albedo * view.illumination) * np.float32(air.light)
    through = air.through(view.distance)[..., None]
    light = light * through + np.float32(air.color) * (1 - through)
    return light + air.glare[..., None]


def _depth(rng, view, air):
    depth = sensors.depth_sensor(rng, view.z, view.cosine, view.shininess, view.is_open, view.focal)
    shape = depth.shape
    # Its laser stands out from what the air scatters. What is left decides, in patches, whether
    # there is an answer.
    left = air.through(view.distance, 0.6)
    seen = left > 0.75 * patches(rng, *shape, shape[1] / 25) * rng.random(shape) ** 0.25
    # The air's own answers, nearer than what is behind it.
    early = rng.random(shape) < np.float32(0.35) * (1 - left) ** 2 + air.particles
    near = 0.4 + rng.random(shape) * 0.7 * (view.z - 0.4)
    depth = np.where(early & (depth > 0), np.rint(1000 * np.maximum(near, 0.3)), depth)
    blind = air.glare > 0.35 + 0.25 * patches(rng, *shape, shape[1] / 20)
    return np.where(seen & ~blind, depth, 0).astype(np.uint16)[..., None]


def _thermal(rng, view, air):
    surfaces = {}  # parts of one piece of furniture have one material and one temperature
    number = np.array([surfaces.setdefault(m, len(surfaces)) for m in view.materials])
    offset = rng.normal(0, 0.9, len(surfaces))[number][view.material]
    celsius = np.array([_CELSIUS[name] for name in CLASS_NAMES])[view.label]
    celsius = celsius + view.image(offset)
    # Warm air rises, and what is lit from near is warmer.
    celsius += 0.5 * (view.image(view.hits.point)[..., 2] - 1.2)
    celsius += 0.6 * patches(rng, *view.z.shape, view.z.shape[1] / 8)
    through = air.through(view.distance, _THERMAL_LOSS.get(air.condition, 1.0))
    celsius = celsius * through + _AIR_CELSIUS * (1 - through)
    celsius = sensors.smooth(celsius[..., None])[..., 0]
    celsius += rng.uniform(0.1, 0.25) * rng.standard_normal(celsius.shape)
    celsius += rng.normal(0, 0.4)  # drift of the whole camera
    return np.rint(100 * (celsius + 273.15)).astype(np.uint16)[..., None]


def _event(rng, light):
    """Events while the picture moves by about a pixel, positive and negative ones."""
    gray = sensors.smooth(light).mean(-1)
    # Photons make the noise of a dark picture large.
    noise = np.sqrt(np.float32(2e-5) * gray + np.float32(4e-8))
    gray = np.maximum(gray + noise * rng.standard_normal(gray.shape, dtype=np.float32), 2e-4)
    log = np.pad(np.log(gray), 1, mode="edge")
    angle = rng.uniform(0, 2 * np.pi)
    right = (log[1:-1, 2:] - log[1:-1, :-2]) / 2
    down = (log[2:, 1:-1] - log[:-2, 1:-1]) / 2
    events = np.trunc((np.cos(angle) * right + np.sin(angle) * down) / _CONTRAST)
    return (128 + np.clip(events, -127, 127)).astype(np.uint8)[..., None]


def _normal(rng, view, air):
    shape = view.z.shape
    sigma = 0.05 + 0.04 * view.distance / air.through(view.distance, 0.5)
    normal = view.normal + np.minimum(sigma, 0.6)[..., None] * rng.standard_normal((*shape, 3))
    normal /= np.sqrt((normal * normal).sum(-1, keepdims=True))
    none = view.is_open | (view.cosine < 0.08) | (air.glare > 0.4 + 0.3 * rng.random(shape))
    none |= rng.random(shape) < 0.004 + 0.5 * (1 - air.through(view.distance)) ** 2
    return domains.encode_normal(normal, none)


def _infrared(rng, view, air):
    surfaces = {}
    number = np.array([surfaces.setdefault(m, len(surfaces)) for m in view.materials])
    dye = rng.uniform(0.45, 1.1, len(surfaces))[number][view.material]
    # Dyes are clear to it: patterns are weaker than in visible light.
    reflects = view.image(dye * (0.35 + 0.5 * view.albedo.mean(-1)))
    through = air.through(view.distance, _INFRARED_LOSS.get(air.condition, 1.0))
    own = 1.6 * np.clip(view.cosine, 0, 1) / (1 + (view.distance / 1.8) ** 2)
    room = 0.12 * air.light * view.image(view.illumination)[..., 0]
    light = reflects * (own * through**2 + room * through)
    light += 0.35 * (1 - through) ** 1.5 + 0.5 * air.glare  # thrown back by the air; stray light
    light = np.where(view.is_open, 0.05 * air.light, light)
    light = sensors.smooth(light[..., None])[..., 0]
    sigma = np.sqrt(0.008**2 + 0.02**2 * light)
    light = light + sigma * rng.standard_normal(light.shape)
    return (255 * np.clip(light, 0, 1) ** (1 / 2.2) + 0.5).astype(np.uint8)[..., None]
