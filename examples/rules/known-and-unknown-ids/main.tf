variable "instance_type" {
  type = string
}

# Stands for an image that this configuration creates: its ID is unknown until it is applied.
resource "terraform_data" "new_image" {
  input = "img-private"
}

# One unknown ID defers a whole data block, so the known IDs have a block of their own.
data "jdcloud_image_constraints" "known" {
  ids = ["img-ubuntu2204"]
}

data "jdcloud_image_constraints" "new" {
  ids = [terraform_data.new_image.output]
}

resource "terraform_data" "web" {
  input = { image_id = "img-ubuntu2204", instance_type = var.instance_type }

  lifecycle {
    precondition {
      condition = provider::jdcloud::supports_instance_type(
        data.jdcloud_image_constraints.known, "img-ubuntu2204", var.instance_type
      )
      error_message = provider::jdcloud::explain_instance_type(
        data.jdcloud_image_constraints.known, "img-ubuntu2204", var.instance_type
      )
    }
  }
}

resource "terraform_data" "worker" {
  input = { image_id = terraform_data.new_image.output, instance_type = var.instance_type }

  lifecycle {
    precondition {
      condition = provider::jdcloud::supports_instance_type(
        data.jdcloud_image_constraints.new, terraform_data.new_image.output, var.instance_type
      )
      error_message = provider::jdcloud::explain_instance_type(
        data.jdcloud_image_constraints.new, terraform_data.new_image.output, var.instance_type
      )
    }
  }
}
