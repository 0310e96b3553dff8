variable "image_id" {
  type    = string
  default = "img-ubuntu2204"
}

variable "instance_type" {
  type = string
}

# No ids: every image of the region that has a constraint. One block serves every rule of the configuration.
data "jdcloud_image_constraints" "region" {}

resource "terraform_data" "server" {
  input = { image_id = var.image_id, instance_type = var.instance_type }

  lifecycle {
    precondition {
      condition = provider::jdcloud::supports_instance_type(
        data.jdcloud_image_constraints.region, var.image_id, var.instance_type
      )
      error_message = provider::jdcloud::explain_instance_type(
        data.jdcloud_image_constraints.region, var.image_id, var.instance_type
      )
    }
  }
}
