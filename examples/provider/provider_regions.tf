provider "jdcloud" {
  region = "cn-north-1"
}

provider "jdcloud" {
  alias  = "east"
  region = "cn-east-2"
}

data "jdcloud_image_constraints" "north" {
  ids = ["img-ubuntu2204"]
}

data "jdcloud_image_constraints" "east" {
  provider = jdcloud.east
  ids      = ["img-ubuntu2204"]
}
