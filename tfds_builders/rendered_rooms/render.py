"""One frame of a random room, all modalities from the same rays."""

import dataclasses
import math

import numpy as np

from tfds_builders.rendered_rooms import domains, sensors
from tfds_builders.rendered_rooms.ray_caster import Hits, cast
from tfds_builders.rendered_rooms.scene import Scene, sample_scene
from tfds_builders.rendered_rooms.shading import reflected, surfaces_of

# Horizontal field of view of the camera in degrees.
FIELD_OF_VIEW = 66.0


def focal_length(width):
    """Focal length in pixels; pixels are square, the optical axis goes through the centre."""
    return width / (2 * math.tan(math.radians(FIELD_OF_VIEW) / 2))


def _camera_axes(scene):
    """World directions of the camera's x (right), y (up), z (backwards) axes, `(3, 3)` by row."""
    yaw, pitch, roll = scene.camera_yaw, scene.camera_pitch, scene.camera_roll
    ahead = np.array([-math.sin(yaw) * math.cos(pitch), math.cos(yaw) * math.cos(pitch)])
    ahead = np.array([ahead[0], ahead[1], math.sin(pitch)])
    right = np.array([math.cos(yaw), math.sin(yaw), 0.0])
    up = np.cross(right, ahead)
    c, s = math.cos(roll), math.sin(roll)
    return np.stack([c * right + s * up, c * up - s * right, -ahead])


def _rotate(axes, vectors):
    """World vectors `(rays, 3)` in camera axes.

    Written out, as BLAS libraries round each in its own way.
    """
    axes = np.float32(axes)
    x, y, z = vectors[:, 0], vectors[:, 1], vectors[:, 2]
    return np.stack([a[0] * x + a[1] * y + a[2] * z for a in axes], -1)


@dataclasses.dataclass(frozen=True)
class View:
    """What the camera's rays meet; images are `(height, width)`, flat arrays `(rays,)`.

    `axes` are those of the camera, `focal` its focal length in pixels. `z` is the depth along the
    optical axis, `distance` that from the camera, both in metres, `cosine` that of the normal and
    the ray back to the camera. `material` is flat, an index into `materials`.
    """

    scene: Scene
    axes: np.ndarray
    focal: float
    hits: Hits
    label: np.ndarray
    is_open: np.ndarray
    material: np.ndarray
    materials: list
    albedo: np.ndarray
    illumination: np.ndarray
    z: np.ndarray
    distance: np.ndarray
    cosine: np.ndarray
    shininess: np.ndarray

    def image(self, flat):
        """A flat array as an image."""
        return flat.reshape(*self.z.shape, *flat.shape[1:])

    @property
    def normal(self):
        """Normals in the camera's frame, `(height, width, 3)`."""
        return self.image(_rotate(self.axes, self.hits.normal))


def check_frame(seed, width, height):
    """Raises `ValueError` if the seed is negative or the size too small."""
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise ValueError(f"`seed` must be a non-negative integer. Received: seed={seed!r}")
    if width < 16 or height < 16:
        raise ValueError(
            "`width` and `height` must be at least 16 pixels. "
            f"Received: width={width}, height={height}"
        )


def look(scene, width, height):
    """Casts the camera's rays into a scene.

    Args:
        scene: A `Scene`.
        width, height: Size in pixels.

    Returns:
        A `View`.
    """
    focal = focal_length(width)
    axes = _camera_axes(scene)

    x = ((np.arange(width) + 0.5 - width / 2) / focal)[None, :]
    y = ((height / 2 - np.arange(height) - 0.5) / focal)[:, None]
    # The component along the optical axis is one, so the ray parameter is the z-buffer depth.
    direction = [(x * a + y * b - c).astype(np.float32).ravel() for a, b, c in axes.T]
    length = np.broadcast_to(np.sqrt(x * x + y * y + 1), (height, width)).astype(np.float32)
    hits = cast(scene.room, scene.solids, scene.camera_position, direction)
    label, is_open, material, materials, coordinates = surfaces_of(scene, hits)
    albedo, illumination = reflected(scene, hits, material, materials, coordinates)
    shininess = np.float32([m.shininess for m in materials])[material]
    z = hits.t.reshape(height, width)
    cosine = -sum(hits.normal[:, i] * direction[i] for i in range(3)).reshape(height, width)
    return View(
        scene=scene,
        axes=axes,
        focal=focal,
        hits=hits,
        label=label.reshape(height, width),
        is_open=is_open.reshape(height, width),
        material=material,
        materials=materials,
        albedo=albedo,
        illumination=illumination,
        z=z,
        distance=z * length,
        cosine=cosine / length,
        shininess=shininess.reshape(height, width),
    )


def render(seed, width=160, height=120):
    """Renders one frame.

    Args:
        seed: Non-negative integer. The same seed gives the same arrays, bit for bit, and the same
            room at other sizes.
        width, height: Size in pixels.

    Returns:
        Dictionary of arrays, all `(height, width, channels)`:

        - `rgb`: uint8, 3 channels.
        - `depth`: uint16 millimetres along the optical axis with a sensor's faults, 0 = hole.
        - `normal`: uint8 `(n + 1) * 127.5` in the camera's frame (x right, y up, z towards the
          camera); (128, 128, 128) = no geometry.
        - `reshading`: uint8, 3 equal channels; 0 = no geometry.
        - `depth_euclidean`, `depth_zbuffer`: uint16, exact, 1/512 m, 65535 = no geometry.
        - `edge_texture`, `edge_occlusion`: uint16.
        - `albedo`: uint8, 3 channels, `illumination`: uint8, 1 channel, and `radiance`: uint8, 3
          channels, the noise-free picture. All are gamma-encoded, and `radiance` is the product of
          the other two, see `domains.encode_light`.
        - `label`: uint8, index into `CLASS_NAMES`.

    Raises:
        ValueError: If the seed is negative or the size too small.
    """
    check_frame(seed, width, height)
    scene_seed, rgb_seed, depth_seed = np.random.SeedSequence(int(seed)).spawn(3)
    view = look(sample_scene(scene_seed), width, height)
    light = (view.albedo * view.illumination).reshape(height, width, 3)
    depth = sensors.depth_sensor(
        np.random.default_rng(depth_seed),
        view.z,
        view.cosine,
        view.shininess,
        view.is_open,
        view.focal,
    )
    hits, is_open = view.hits, view.is_open
    occlusion = domains.edge_occlusion(
        view.image(hits.point), view.image(hits.normal), view.distance, pixel=1 / view.focal
    )
    illumination = view.image(view.illumination)
    return {
        "rgb": sensors.rgb_camera(np.random.default_rng(rgb_seed), light),
        "depth": depth[..., None],
        "normal": domains.encode_normal(view.normal, is_open),
        "reshading": domains.encode_reshading(view.cosine, view.distance, is_open),
        "depth_euclidean": domains.encode_depth(view.distance, is_open)[..., None],
        "depth_zbuffer": domains.encode_depth(view.z, is_open)[..., None],
        "edge_texture": domains.edge_texture(light)[..., None],
        "edge_occlusion": occlusion[..., None],
        "albedo": domains.encode_light(view.image(view.albedo)),
        "illumination": domains.encode_light(illumination, domains.LARGEST_ILLUMINATION),
        "radiance": domains.encode_light(light),
        "label": view.label[..., None],
    }
