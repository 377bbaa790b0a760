"""Where things find room: free stretches of wall and patches of floor in the camera's view."""

import math

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

    def _in_view(self, x, y, margin, nearest=1.5):
        dx, dy = x - self.camera[0], y - self.camera[1]
        angle = math.atan2(-dx, dy) - self.camera_yaw
        return abs(angle) < math.radians(33) - margin and math.hypot(dx, dy) > nearest

    def _wall_point(self, wall, along):
        """World x, y of a point `along` metres from the middle of a wall, in +x or +y."""
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

    def _reserve_floor(self, x, y, half_x, half_y, nearest=1.5, gap=0.08):
        width, depth, _ = self.size
        if not (half_x - 1e-6 <= x <= width - half_x + 1e-6):
            return False
        if not (half_y - 1e-6 <= y <= depth - half_y + 1e-6) or not self._in_view(
            x, y, 0.05, nearest
        ):
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

    def free_standing(self, width, depth, nearest=1.5):
        """Finds a place away from the walls: x, y, yaw, or None."""
        for _ in range(_TRIES):
            x = self.rng.uniform(0.1, 0.9) * self.size[0]
            y = self.rng.uniform(0.3, 0.85) * self.size[1]
            yaw = self.rng.uniform(-0.5, 0.5)
            c, s = abs(math.cos(yaw)), abs(math.sin(yaw))
            half = (c * width + s * depth) / 2, (s * width + c * depth) / 2
            if self._reserve_floor(x, y, *half, nearest):
                return x, y, yaw
        return None
