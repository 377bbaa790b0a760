"""Where things find room: free stretches of wall, free patches of floor, inside the camera's view."""

import math

from tfds_builders.rendered_rooms import furniture, palette
from tfds_builders.rendered_rooms.class_names import LABEL

_WALL_YAW = {"back": 0.0, "left": math.pi / 2, "right": -math.pi / 2}
_TRIES = 24


class Layout:
    """Fills a room without overlaps.

    Args:
        rng: A `np.random.Generator`.
        size: Width, depth and height of the room in metres.
        camera: World position of the camera.
        camera_yaw: Its turn about the vertical axis in radians; 0 looks along +y.
    """

    def __init__(self, rng, size, camera, camera_yaw):
        self.rng = rng
        self.size = size
        self.camera = camera
        self.camera_yaw = camera_yaw
        self._walls = {"back": [], "left": [], "right": []}
        self._footprints = []

    def random_wall(self):
        """The back wall is seen best, so most things go there."""
        return str(self.rng.choice(["back", "back", "left", "right"]))

    def _in_view(self, x, y, margin):
        dx, dy = x - self.camera[0], y - self.camera[1]
        angle = math.atan2(-dx, dy) - self.camera_yaw
        return abs(angle) < math.radians(33) - margin and math.hypot(dx, dy) > 1.5

    def _wall_point(self, wall, along):
        """World x, y of a point `along` metres from the middle of a wall (to the viewer's right)."""
        width, depth, _ = self.size
        if wall == "back":
            return width / 2 + along, depth
        return (0.0 if wall == "left" else width), depth / 2 + along

    def reserve_wall(self, wall, width, bottom, height):
        """Finds a free stretch of a wall.

        Returns:
            Its centre along the wall in metres from the wall's middle, or None.
        """
        length = self.size[0] if wall == "back" else self.size[1]
        if bottom + height > self.size[2] - 0.1:
            return None
        for _ in range(_TRIES):
            along = self.rng.uniform(-1, 1) * (length - width - 0.2) / 2
            clear = all(abs(along - a) > (width + w) / 2 + 0.08 for a, w, _ in self._walls[wall])
            if clear and self._in_view(*self._wall_point(wall, along), 0.03):
                self._walls[wall].append((along, width, bottom))
                return along
        return None

    def _reserve_floor(self, x, y, half_x, half_y, gap=0.08):
        width, depth, _ = self.size
        if not (half_x - 1e-6 <= x <= width - half_x + 1e-6):
            return False
        if not (half_y - 1e-6 <= y <= depth - half_y + 1e-6) or not self._in_view(x, y, 0.05):
            return False
        for a, b, half_a, half_b in self._footprints:
            if abs(x - a) < half_x + half_a + gap and abs(y - b) < half_y + half_b + gap:
                return False
        self._footprints.append((x, y, half_x, half_y))
        return True

    def against_wall(self, width, depth, height):
        """Finds a place for furniture with its back to a wall: x, y, yaw, or None."""
        for _ in range(_TRIES):
            wall = self.random_wall()
            length = self.size[0] if wall == "back" else self.size[1]
            along = self.rng.uniform(-1, 1) * (length - width) / 2
            # Nothing may stand before a door, nor hide a picture or a window.
            if any(
                abs(along - a) < (width + w) / 2 and height > bottom - 0.05
                for a, w, bottom in self._walls[wall]
            ):
                continue
            x, y = self._wall_point(wall, along)
            yaw = _WALL_YAW[wall]
            x, y = x + math.sin(yaw) * depth / 2, y - math.cos(yaw) * depth / 2
            half = (width / 2, depth / 2) if wall == "back" else (depth / 2, width / 2)
            if self._reserve_floor(x, y, *half):
                return x, y, yaw
        return None

    def free_standing(self, width, depth):
        """Finds a place away from the walls: x, y, yaw, or None."""
        for _ in range(_TRIES):
            x = self.rng.uniform(0.1, 0.9) * self.size[0]
            y = self.rng.uniform(0.3, 0.85) * self.size[1]
            yaw = self.rng.uniform(-0.5, 0.5)
            c, s = abs(math.cos(yaw)), abs(math.sin(yaw))
            half = (c * width + s * depth) / 2, (s * width + c * depth) / 2
            if self._reserve_floor(x, y, *half):
                return x, y, yaw
        return None

    def furnish(self, wall, floor):
        """Draws the furniture. Some of it wears the wall's or the floor's own material: visible in depth only.

        Args:
            wall, floor: The room's `Material`s.

        Returns:
            A list of `Solid`s.
        """
        rng, solids = self.rng, []

        def or_camouflage(share, material, hidden=wall):
            return hidden if rng.random() < share else material

        def put(spot, parts, z=0.0):
            if spot is not None:
                solids.extend(furniture.place(parts, spot[0], spot[1], z, spot[2]))
            return spot is not None

        for _ in range(rng.integers(1, 4)):
            size = rng.uniform(0.7, 1.4), rng.uniform(0.35, 0.6), rng.uniform(0.8, 2.1)
            texture = rng.choice(["fronts", "fronts", "planks"])
            material = or_camouflage(0.45, palette.wood(rng, texture))
            parts = furniture.block(*size, LABEL["cabinet"], material)
            put(self.against_wall(*size), parts)
        if rng.random() < 0.7:
            size = rng.uniform(0.95, 2.0), rng.uniform(0.8, 0.95), rng.uniform(0.75, 0.95)
            parts = furniture.sofa(*size, LABEL["sofa"], or_camouflage(0.2, palette.fabric(rng)))
            put(self.against_wall(*size), parts)
        if rng.random() < 0.7:
            size = rng.uniform(0.9, 1.5), rng.uniform(0.6, 0.9), rng.uniform(0.65, 0.8)
            material = or_camouflage(0.2, palette.wood(rng), floor)
            spot = self.free_standing(size[0], size[1])
            put(spot, furniture.table(*size, LABEL["table"], material))
            if spot is not None and rng.random() < 0.5:
                solids.extend(self._small_block(spot[0], spot[1], size[2], 0.5, wall))
        for _ in range(rng.integers(1, 4)):
            spot = self.free_standing(0.6, 0.6)
            if spot is not None:
                solids.extend(self._small_block(spot[0], spot[1], 0.0, 1.0, floor))
        if rng.random() < 0.6:
            radius, height = rng.uniform(0.2, 0.32), rng.uniform(1.2, 1.6)
            material = or_camouflage(0.6, palette.fabric(rng))
            parts = furniture.lamp(radius, height, LABEL["lamp"], material)
            put(self.free_standing(2 * radius, 2 * radius), parts)
        return solids

    def _small_block(self, x, y, z, scale, hidden):
        """A box or an ottoman: one distribution of shapes, two of colours."""
        rng = self.rng
        sides = [scale * rng.uniform(0.4, 0.6) for _ in range(2)]
        height = scale * rng.uniform(0.35, 0.55)
        # On a table there are boxes only.
        is_box = z > 0 or rng.random() < 0.5
        material = palette.cardboard(rng) if is_box else palette.fabric(rng)
        if is_box and rng.random() < 0.3:
            material = hidden
        name = "box" if is_box else "ottoman"
        parts = furniture.block(*sides, height, LABEL[name], material)
        return furniture.place(parts, x, y, z, rng.uniform(-0.6, 0.6))
