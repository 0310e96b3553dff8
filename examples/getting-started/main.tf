provider "jdcloud" {
  region = "cn-north-1"
}

variable "image_id" {
  type    = string
  default = "img-ubuntu2204"
}

data "jdcloud_image_constraints" "web" {
  ids = [var.image_id]
}

output "excluded_instance_types" {
  value = data.jdcloud_image_constraints.web.excluded_instance_types
}
