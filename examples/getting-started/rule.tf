variable "instance_type" {
  type = string
}

# Stands for the resource that creates the server: put the lifecycle block there.
resource "terraform_data" "server" {
  input = { image_id = var.image_id, instance_type = var.instance_type }

  lifecycle {
    precondition {
      condition = provider::jdcloud::supports_instance_type(
        data.jdcloud_image_constraints.web, var.image_id, var.instance_type
      )
      error_message = provider::jdcloud::explain_instance_type(
        data.jdcloud_image_constraints.web, var.image_id, var.instance_type
      )
    }
  }
}
